"""Operations that add many terms: products of matrices, convolutions, reductions, losses, normalisation."""

from collections import OrderedDict

from legacy_tf1.atlas.harness import Kernel, find
from legacy_tf1.atlas.inputs import integers, normal, uniform

ROWS = OrderedDict(logits=2.0 * normal(11, 6, 10))
WIDE_ROWS = OrderedDict(logits=2.0 * normal(12, 4, 1000))
VECTOR = OrderedDict(x=normal(13, 37))
TABLE = OrderedDict(x=normal(14, 24, 37))
IMAGES = normal(15, 2, 9, 9, 8)
LABELS = uniform(16, 0, 1, 6, 10)
CLASSES = integers(17, 10, 6)
INDICES = integers(18, 5, 16)


def probability_labels(tf, dtype):
    """Rows of labels that sum to one, divided in NumPy."""
    return tf.constant(LABELS / LABELS.sum(1, keepdims=True), dtype)


def softmaxes():
    """Softmax, its logarithm and the cross-entropies."""
    return [
        Kernel("softmax", "tf.nn.softmax", lambda tf, x: tf.nn.softmax(x), ROWS),
        Kernel("softmax_5", "tf.nn.softmax", lambda tf, x: tf.nn.softmax(x), OrderedDict(logits=normal(10, 8, 5))),
        Kernel("softmax_wide", "tf.nn.softmax", lambda tf, x: tf.nn.softmax(x), WIDE_ROWS),
        Kernel("log_softmax", "tf.nn.log_softmax", lambda tf, x: tf.nn.log_softmax(x), ROWS),
        Kernel("log_softmax_wide", "tf.nn.log_softmax", lambda tf, x: tf.nn.log_softmax(x), WIDE_ROWS),
        Kernel(
            "softmax_cross_entropy",
            "tf.nn.softmax_cross_entropy_with_logits tf.nn.softmax_cross_entropy_with_logits_v2"
            " tf.losses.softmax_cross_entropy",
            lambda tf, x: tf.nn.softmax_cross_entropy_with_logits(logits=x, labels=probability_labels(tf, x.dtype)),
            ROWS,
        ),
        Kernel(
            "sparse_softmax_cross_entropy",
            "tf.nn.sparse_softmax_cross_entropy_with_logits tf.losses.sparse_softmax_cross_entropy",
            lambda tf, x: tf.nn.sparse_softmax_cross_entropy_with_logits(logits=x, labels=tf.constant(CLASSES)),
            ROWS,
        ),
        Kernel(
            "cross_entropy_by_hand",
            "tf.log tf.math.log",
            lambda tf, x: (
                -tf.reduce_sum(probability_labels(tf, x.dtype) * find(tf, "math.log", "log")(tf.nn.softmax(x)), 1)
            ),
            ROWS,
        ),
    ]


def products():
    """Matrix products."""
    small = OrderedDict([("a", normal(21, 7, 13)), ("b", normal(22, 13, 5))])
    turned = OrderedDict([("a", normal(23, 13, 7)), ("b", normal(24, 5, 13))])
    large = OrderedDict([("a", normal(25, 96, 300)), ("b", normal(26, 300, 80))])
    batch = OrderedDict([("a", normal(27, 3, 7, 13)), ("b", normal(28, 3, 13, 5))])
    return [
        Kernel("matmul", "tf.matmul tf.linalg.matmul tf.layers.dense", lambda tf, a, b: tf.matmul(a, b), small),
        Kernel(
            "matmul_transposed",
            "tf.matmul tf.linalg.matmul",
            lambda tf, a, b: tf.matmul(a, b, transpose_a=True, transpose_b=True),
            turned,
        ),
        Kernel("matmul_large", "tf.matmul tf.linalg.matmul tf.layers.dense", lambda tf, a, b: tf.matmul(a, b), large),
        Kernel("matmul_batch", "tf.matmul tf.batch_matmul", lambda tf, a, b: tf.matmul(a, b), batch),
        Kernel("einsum", "tf.einsum", lambda tf, a, b: tf.einsum("bij,bjk->bik", a, b), batch),
        Kernel("tensordot", "tf.tensordot", lambda tf, a, b: tf.tensordot(a, b, 1), small),
        Kernel(
            "dense_relu",
            "tf.layers.dense tf.nn.bias_add tf.nn.relu",
            lambda tf, a, b: tf.nn.relu(tf.nn.bias_add(tf.matmul(a, b), tf.constant(normal(29, 5), a.dtype))),
            small,
        ),
    ]


def convolutions():
    """Convolutions and pooling, forward and both gradients."""
    kernel = OrderedDict([("x", IMAGES), ("kernel", 0.3 * normal(31, 3, 3, 8, 6))])
    point = OrderedDict([("x", IMAGES), ("kernel", 0.3 * normal(32, 1, 1, 8, 6))])
    depth = OrderedDict([("x", IMAGES), ("kernel", 0.3 * normal(33, 3, 3, 8, 2))])
    back = OrderedDict([("x", normal(34, 2, 5, 5, 6)), ("kernel", 0.3 * normal(35, 3, 3, 8, 6))])
    only = OrderedDict(x=IMAGES)
    ones, twos, window = [1, 1, 1, 1], [1, 2, 2, 1], [1, 3, 3, 1]
    names = "tf.nn.conv2d tf.layers.conv2d"
    pools = "tf.layers.{0}_pooling2d tf.nn.{1}_pool"
    return [
        Kernel("conv2d_same", names, lambda tf, x, k: tf.nn.conv2d(x, k, ones, "SAME"), kernel),
        Kernel("conv2d_valid_strided", names, lambda tf, x, k: tf.nn.conv2d(x, k, twos, "VALID"), kernel),
        Kernel("conv2d_pointwise", names, lambda tf, x, k: tf.nn.conv2d(x, k, ones, "SAME"), point),
        Kernel(
            "depthwise_conv2d",
            "tf.nn.depthwise_conv2d tf.nn.separable_conv2d",
            lambda tf, x, k: tf.nn.depthwise_conv2d(x, k, ones, "SAME"),
            depth,
        ),
        Kernel(
            "conv2d_transpose",
            "tf.nn.conv2d_transpose tf.layers.conv2d_transpose",
            lambda tf, x, k: tf.nn.conv2d_transpose(x, k, [2, 10, 10, 8], twos, "SAME"),
            back,
        ),
        Kernel("conv1d", "tf.nn.conv1d tf.layers.conv1d", lambda tf, x, k: tf.nn.conv1d(x, k, 1, "SAME"),
               OrderedDict([("x", normal(36, 2, 17, 8)), ("kernel", normal(37, 3, 8, 4))])),
        Kernel("max_pool", pools.format("max", "max"), lambda tf, x: tf.nn.max_pool(x, window, twos, "SAME"), only),
        Kernel("avg_pool", pools.format("average", "avg"), lambda tf, x: tf.nn.avg_pool(x, window, twos, "SAME"), only),
        Kernel(
            "bias_add",
            "tf.nn.bias_add",
            lambda tf, x, b: tf.nn.bias_add(x, b),
            OrderedDict([("x", IMAGES), ("bias", normal(38, 8))]),
        ),
        Kernel("lrn", "tf.nn.lrn tf.nn.local_response_normalization", lambda tf, x: tf.nn.lrn(x), only,
               dtypes=("float32",)),
    ]  # fmt: skip


def reductions():
    """Sums and their kin along each axis."""
    million = OrderedDict(x=normal(41, 1000000))
    return [
        Kernel("reduce_sum_rows", "tf.reduce_sum", lambda tf, x: tf.reduce_sum(x, 1), TABLE),
        Kernel("reduce_sum_columns", "tf.reduce_sum", lambda tf, x: tf.reduce_sum(x, 0), TABLE),
        Kernel("reduce_sum_all", "tf.reduce_sum", lambda tf, x: tf.reduce_sum(x), TABLE),
        Kernel("reduce_sum_vector", "tf.reduce_sum", lambda tf, x: tf.reduce_sum(x), VECTOR),
        Kernel(
            "reduce_sum_middle",
            "tf.reduce_sum",
            lambda tf, x: tf.reduce_sum(x, 1),
            OrderedDict(x=normal(42, 4, 37, 5)),
        ),
        Kernel("reduce_sum_million", "tf.reduce_sum", lambda tf, x: tf.reduce_sum(x), million, gradient=False),
        Kernel("reduce_mean_rows", "tf.reduce_mean", lambda tf, x: tf.reduce_mean(x, 1), TABLE),
        Kernel("reduce_mean_all", "tf.reduce_mean", lambda tf, x: tf.reduce_mean(x), TABLE),
        Kernel("reduce_mean_million", "tf.reduce_mean", lambda tf, x: tf.reduce_mean(x), million, gradient=False),
        Kernel("reduce_prod", "tf.reduce_prod", lambda tf, x: tf.reduce_prod(x, 1), TABLE),
        Kernel("reduce_logsumexp", "tf.reduce_logsumexp", lambda tf, x: tf.reduce_logsumexp(x, 1), TABLE),
        Kernel(
            "reduce_std",
            "tf.math.reduce_std",
            lambda tf, x: find(tf, "math.reduce_std")(x, 1),
            TABLE,
        ),
        Kernel("norm", "tf.norm", lambda tf, x: find(tf, "norm")(x), TABLE),
        Kernel("l2_loss", "tf.nn.l2_loss", lambda tf, x: tf.nn.l2_loss(x), TABLE),
        Kernel("l2_normalize", "tf.nn.l2_normalize tf.math.l2_normalize", lambda tf, x: tf.nn.l2_normalize(x, 1),
               TABLE),
        Kernel("cumsum", "tf.cumsum tf.math.cumsum", lambda tf, x: tf.cumsum(x, 1), TABLE),
        Kernel("cumprod", "tf.cumprod tf.math.cumprod", lambda tf, x: find(tf, "math.cumprod", "cumprod")(x, 1), TABLE),
        Kernel(
            "moments",
            "tf.nn.moments",
            lambda tf, x: dict(zip(("mean", "variance"), tf.nn.moments(x, [0]))),
            TABLE,
        ),
        Kernel("clip_by_norm", "tf.clip_by_norm", lambda tf, x: tf.clip_by_norm(x, 3.0), TABLE),
        Kernel(
            "clip_by_global_norm",
            "tf.clip_by_global_norm",
            lambda tf, x: dict(zip(("first", "second"), tf.clip_by_global_norm([x, 2.0 * x], 3.0)[0])),
            TABLE,
        ),
    ]  # fmt: skip


def normalisation():
    """Batch normalisation as an operation, fused and not, in training and in inference."""
    given = OrderedDict([("x", normal(51, 4, 5, 5, 8)), ("scale", uniform(52, 0.5, 2, 8)), ("offset", normal(53, 8))])
    mean, variance = normal(54, 8), uniform(55, 0.5, 2, 8)
    fused = "nn.fused_batch_norm", "compat.v1.nn.fused_batch_norm"

    def training(tf, x, scale, offset):
        y, batch_mean, batch_variance = find(tf, *fused)(x, scale, offset)
        return OrderedDict([("value", y), ("mean", batch_mean), ("variance", batch_variance)])

    def inference(tf, x, scale, offset):
        statistics = tf.constant(mean, x.dtype), tf.constant(variance, x.dtype)
        return find(tf, *fused)(x, scale, offset, statistics[0], statistics[1], is_training=False)[0]

    def unfused(tf, x, scale, offset):
        batch_mean, batch_variance = tf.nn.moments(x, [0, 1, 2])
        return tf.nn.batch_normalization(x, batch_mean, batch_variance, offset, scale, 1e-3)

    names = "tf.nn.fused_batch_norm tf.layers.batch_normalization"
    return [
        Kernel("fused_batch_norm_training", names, training, given, dtypes=("float32",)),
        Kernel("fused_batch_norm_inference", names, inference, given, dtypes=("float32",)),
        Kernel("batch_normalization", "tf.nn.batch_normalization tf.nn.moments", unfused, given),
    ]


def probes():
    """All probes of this file."""
    return softmaxes() + products() + convolutions() + reductions() + normalisation()
