"""The documents' programs in TensorFlow 2, as ``tf.GradientTape`` writes them; read one beside its TF1 original.

Each file has a ``build(**inputs)``, the program as the checker takes any (``tf_repro.programs.tf2``), and
``run(*, …inputs…, engine=…)``, one line that runs it.
"""
