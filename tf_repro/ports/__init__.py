"""The documents' programs in TensorFlow 2: ``tf.GradientTape``, inputs as arguments, three ways to run."""
