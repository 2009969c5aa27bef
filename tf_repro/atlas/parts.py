"""What the composed probes are made of, by the probes that show each part alone."""

from __future__ import annotations

_PRODUCT = ("matmul", "matmul_large", "matmul_transposed", "bias_add")
_CELL = (*_PRODUCT, "sigmoid", "tanh")
_NORM = ("fused_batch_norm_training", "batch_normalization", "moments", "reduce_mean_rows", "rsqrt")
_OPTIMIZER = ("sqrt", "rsqrt", "divide", "reciprocal", "pow")

PARTS: dict[str, tuple[str, ...]] = {
    "document_softmax_backprop": ("softmax_5", "softmax", "pow_2", "reduce_mean_all"),
    "document_softmax_cross_entropy": (
        "matmul", "matmul_large", "dense_relu", "softmax", "cross_entropy_by_hand", "softmax_cross_entropy",
        "random_truncated_normal", "random_normal",
    ),
    **dict.fromkeys(("cell_BasicRNNCell", "cell_BasicLSTMCell", "cell_LSTMCell", "cell_GRUCell"), _CELL),
    **dict.fromkeys(("keras_layer_SimpleRNN", "keras_layer_LSTM", "keras_layer_GRU"), _CELL),
    **dict.fromkeys(("layer_dense", "keras_layer_Dense"), _PRODUCT),
    **dict.fromkeys(("layer_conv2d", "keras_layer_Conv2D"), ("conv2d_valid_strided", "conv2d_same", "bias_add")),
    **dict.fromkeys(
        ("layer_batch_normalization", "keras_layer_BatchNormalization", "keras_layer_LayerNormalization"), _NORM
    ),
    "keras_loss_MeanSquaredError": ("reduce_mean_all", "reduce_mean_rows"),
    "keras_loss_BinaryCrossentropy": ("log", "reduce_mean_rows", "reduce_mean_all"),
    "keras_loss_CategoricalCrossentropy": ("log", "reduce_sum_rows", "divide"),
    "keras_loss_Huber": ("reduce_mean_all", "reduce_mean_rows"),
    "keras_loss_KLDivergence": ("log", "divide", "reduce_sum_rows"),
    "keras_loss_CosineSimilarity": ("l2_normalize", "reduce_sum_rows"),
    "keras_loss_Poisson": ("log", "reduce_mean_rows"),
    **dict.fromkeys(
        ("loss_mean_squared_error", "loss_absolute_difference", "loss_huber_loss", "loss_hinge_loss"),
        ("reduce_sum_all", "divide"),
    ),
    "loss_log_loss": ("log", "reduce_sum_all", "divide"),
    **dict.fromkeys(
        ("train_Adagrad", "train_Adadelta", "train_Adam", "train_RMSProp", "train_Ftrl", "train_RMSPropCentered",
         "train_FtrlL1", "keras_Adagrad", "keras_Adadelta", "keras_Adam", "keras_Adamax", "keras_Nadam",
         "keras_RMSprop", "keras_Ftrl"),
        _OPTIMIZER,
    ),
    **dict.fromkeys(
        ("schedule_exponential_decay", "schedule_natural_exp_decay", "schedule_inverse_time_decay",
         "schedule_polynomial_decay", "schedule_cosine_decay", "keras_schedule_ExponentialDecay",
         "keras_schedule_InverseTimeDecay", "keras_schedule_PolynomialDecay", "keras_schedule_CosineDecay"),
        ("exp", "pow", "cos", "divide", "reciprocal"),
    ),
    **dict.fromkeys(
        ("metric_mean", "metric_accuracy", "metric_auc", "metric_precision", "metric_recall",
         "metric_mean_squared_error", "metric_mean_iou", "keras_metric_Mean", "keras_metric_BinaryAccuracy",
         "keras_metric_AUC", "keras_metric_Precision", "keras_metric_Recall", "keras_metric_MeanSquaredError"),
        ("reduce_sum_vector", "reduce_sum_rows", "reduce_sum_all", "reduce_mean_rows", "divide", "reciprocal"),
    ),
    "random_keras_Orthogonal": ("random_keras_RandomNormal", "random_normal", "norm"),
}  # fmt: skip
"""The probes that are compositions."""
