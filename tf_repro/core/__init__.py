"""What all wings share: records, files, inputs, verdicts. It never imports TensorFlow."""
