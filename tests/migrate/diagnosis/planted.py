# ruff: noqa: E501 (changes stay on the line of their name)
"""Faults planted in the models' ports, each with its true cause, and correct ports that are written otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from tests.migrate.diagnosis.models import MODELS


@dataclass(frozen=True)
class Planted:
    """One difference planted between two programs.

    Attributes:
        model: which of the models.
        cause: names of which one must be the first cause's.
        port: (old, new) replaced in the port.
        legacy: (old, new) replaced in the TF1 program.
        line: a part of the port's line that must be pointed at, or empty.
    """

    model: str
    cause: tuple[str, ...]
    port: tuple[tuple[str, str], ...] = ()
    legacy: tuple[tuple[str, str], ...] = ()
    line: str = ""

    def programs(self) -> tuple[str, str]:
        """Both programs' text."""
        legacy, port = MODELS[self.model]
        return replaced(legacy, self.legacy), replaced(port, self.port)


def replaced(text: str, changes: tuple[tuple[str, str], ...]) -> str:
    """The text with each old replaced, which has to be there."""
    for old, new in changes:
        if old not in text:
            raise ValueError(f"the program has no {old!r}")
        text = text.replace(old, new)
    return text


_SMOOTH = ("labels = y\n", "labels = y * 0.9 + 0.1 / 6.0\n")
_CLIP = "gradients, _ = tf.clip_by_global_norm(gradients, 0.5)"
_L2 = "0.01 * (tf.nn.l2_loss(w1) + tf.nn.l2_loss(w2) + tf.nn.l2_loss(w3))"
_LOOSE = (_CLIP, _CLIP.replace("0.5", "50.0"))
_RESIZED = ("maps = tf.nn.conv2d(x, k1", "x8 = tf.image.resize_bilinear(x[:, :5, :5], [8, 8], align_corners=True)\n"
            "    maps = tf.nn.conv2d(x8, k1")  # fmt: skip

FAULTS = {
    # activations
    "activation missing": Planted("mlp", ("activation",), ((
        'tf.nn.relu(tf.matmul(feeds["x"], w1) + b1)', 'tf.matmul(feeds["x"], w1) + b1'),), line="first ="),
    "elu for relu": Planted("mlp", ("activation",), (("tf.nn.relu(", "tf.nn.elu("),), line="tf.nn.elu"),
    "sigmoid for tanh": Planted("mlp", ("activation",), (("tf.tanh(", "tf.sigmoid("),), line="tf.sigmoid"),
    "relu for tanh": Planted("mlp", ("activation",), (("tf.tanh(", "tf.nn.relu("),), line="second ="),
    "activation twice": Planted("mlp", ("activation",), (
        ("tf.matmul(second, w3) + b3", "tf.nn.relu(tf.matmul(second, w3) + b3)"),), line="logits ="),
    "leaky slope": Planted("gan", ("activation", "constant"), (
        ("leaky_relu(tf.matmul(data, d1), 0.2)", "leaky_relu(tf.matmul(data, d1), 0.3)"),), line="leaky_relu"),
    # the loss
    "regulariser missing": Planted("mlp", ("regulariser",), ((" + penalty", ""),), line="loss ="),
    "regulariser doubled": Planted("mlp", ("regulariser", "constant"), (("0.01 * (tf.nn", "0.02 * (tf.nn"),)),
    "regulariser on biases": Planted("mlp", ("regulariser",), (
        ("tf.nn.l2_loss(w3))", "tf.nn.l2_loss(w3) + tf.nn.l2_loss(b1) + tf.nn.l2_loss(b2) + tf.nn.l2_loss(b3))"),)),
    "regulariser missing in the step only": Planted("mlp", ("regulariser",), (
        _LOOSE, ('loss = forward(feeds)["loss"]', 'loss = forward(feeds)["loss"] - 0.01 * tf.nn.l2_loss(w2)')), (_LOOSE,)),
    "regulariser decoupled": Planted("mlp", ("regulariser",), (
        ('loss = forward(feeds)["loss"]', f'loss = forward(feeds)["loss"] - {_L2}'), _LOOSE,
        ("optimizer.apply(gradients, variables)",
         "[w.assign_sub(0.01 * 0.01 * w) for w in (w1, w2, w3)]; optimizer.apply(gradients, variables)")), (_LOOSE,)),
    "label smoothing's form": Planted("mlp", ("label smoothing", "constant"), (
        ('labels = feeds["y"]', 'labels = feeds["y"] * 0.9 + 0.1 / 5.0'),), (_SMOOTH,), "labels ="),
    "label smoothing missing": Planted("mlp", ("label smoothing",), (), (_SMOOTH,)),
    "loss times a constant": Planted("mlp", ("loss scale", "constant"), (
        ("loss = tf.reduce_mean(losses) + penalty", "loss = 0.5 * (tf.reduce_mean(losses) + penalty)"),)),
    "loss scaled in the step": Planted("mlp", ("loss scale",), (
        _LOOSE, ('loss = forward(feeds)["loss"]', 'loss = 3.0 * forward(feeds)["loss"]')), (_LOOSE,)),
    "pos_weight missing": Planted("embedding", ("pos_weight",), (
        ("tf.nn.weighted_cross_entropy_with_logits(feeds[\"clicked\"], logits, pos_weight=3.0)",
         "tf.nn.sigmoid_cross_entropy_with_logits(feeds[\"clicked\"], logits)"),)),
    "another pos_weight": Planted("embedding", ("pos_weight", "constant"), (("pos_weight=3.0", "pos_weight=2.0"),)),
    "sum for mean": Planted("mlp", ("mean for sum",), (("reduce_mean(losses)", "reduce_sum(input_tensor=losses)"),)),
    "sum for mean in attention": Planted("attention", ("mean for sum",), (
        ("tf.reduce_mean(tf.reduce_sum(", "tf.reduce_sum(tf.reduce_sum("),)),
    "stop_gradient missing": Planted("attention", ("stop_gradient",), (), (
        ("tf.nn.softmax(scores)", "tf.stop_gradient(tf.nn.softmax(scores))"),)),
    "saturating generator": Planted("gan", ("loss", "label", "constant", "argument", "operation"), (
        ("g_loss = tf.reduce_mean(crossed(tf.ones([8, 1]), on_fake))",
         "g_loss = -tf.reduce_mean(crossed(tf.zeros([8, 1]), on_fake))"),), line="g_loss ="),
    "class weights missing": Planted("mlp", ("example weights",), (), (
        ("tf.reduce_mean(losses)", "tf.reduce_mean(losses * tf.reduce_sum(y * np.float32([1, 1, 2, 2, 3, 4]), 1))"),)),
    "sigmoid for softmax cross-entropy": Planted("mlp", ("loss",), (
        ("losses = tf.nn.softmax_cross_entropy_with_logits(labels, logits)",
         "losses = tf.reduce_sum(tf.nn.sigmoid_cross_entropy_with_logits(labels, logits), 1)"),)),
    "absolute for squared error": Planted("conv", ("loss",), (
        ("tf.square(scores - 1.0)", "tf.abs(scores - 1.0)"),), line="tf.abs"),
    "a number of examples in the code": Planted("mlp", ("mean for sum",), (
        ("tf.reduce_mean(losses)", "tf.reduce_sum(losses) / 8.0"),), (("    feeds = {", "    feeds = {} and {"),)),
    "mask missing": Planted("embedding", ("mask",), (), (
        ("tf.nn.embedding_lookup(table, ids)",
         "tf.nn.embedding_lookup(table, ids) * tf.cast(tf.expand_dims(tf.not_equal(ids, 0), 2), tf.float32)"),)),
    "bias missing": Planted("mlp", ("bias missing",), (("tf.matmul(first, w2) + b2", "tf.matmul(first, w2)"),)),
    "gelu for relu": Planted("mlp", ("activation",), (("tf.tanh(", "tf.nn.gelu("),), (("tf.tanh(", "tf.nn.relu("),)),
    # convolutions
    "VALID for SAME": Planted("conv", ("padding",), (
        ('tf.nn.conv2d(feeds["x"], k1, 2, "SAME")',
         'tf.image.resize(tf.nn.conv2d(feeds["x"], k1, 2, "VALID"), [4, 4], "nearest")'),), line="VALID"),
    "symmetric padding": Planted("conv", ("padding",), (
        ('tf.nn.conv2d(feeds["x"], k1, 2, "SAME")',
         'tf.nn.conv2d(feeds["x"], k1, 2, [[0, 0], [1, 1], [1, 1], [0, 0]])'),), line="[1, 1]"),
    "kernel flipped": Planted("conv", ("kernel layout",), (("maps, k2, 1", "maps, k2[::-1, ::-1], 1"),)),
    "kernel in and out exchanged": Planted("conv", ("kernel layout",), (
        ("maps, k2, 1", "maps, tf.transpose(k2, [0, 1, 3, 2]), 1"),)),
    "kernel height and width exchanged": Planted("conv", ("kernel layout",), (
        ("maps, k2, 1", "maps, tf.transpose(k2, [1, 0, 2, 3]), 1"),)),
    "flatten order": Planted("conv", ("flatten order",), (
        ("tf.reshape(pooled, [-1, 16])", "tf.reshape(tf.transpose(pooled, [0, 3, 1, 2]), [-1, 16])"),)),
    "average pooling over padding": Planted("conv", ("average pooling over padding",), (
        ('tf.nn.avg_pool2d(maps, 3, 2, "SAME")',
         'tf.nn.avg_pool2d(tf.pad(maps, [[0, 0], [0, 1], [0, 1], [0, 0]]), 3, 2, "VALID")'),)),
    "max for average pooling": Planted("conv", ("pooling",), (("avg_pool2d", "max_pool2d"),)),
    "align_corners": Planted("conv", ("align_corners",), (
        ('maps = tf.nn.conv2d(feeds["x"], k1',
         'x8 = tf.image.resize(feeds["x"][:, :5, :5], [8, 8])\n        maps = tf.nn.conv2d(x8, k1'),), (_RESIZED,)),
    # batch normalization
    "batch norm in inference mode": Planted("conv", ("batch normalization mode",), (
        ("(maps, batch_mean, batch_variance, beta", "(maps, mean + 0.0, variance + 0.0, beta"),)),
    "batch norm epsilon": Planted("conv", ("batch normalization epsilon",), (("gamma, 1e-3", "gamma, 1e-5"),)),
    "Bessel's factor": Planted("conv", ("Bessel's factor",), (
        ("(variance - batch_variance)", "(variance - batch_variance * 96 / 95)"),)),
    "updates never run in the port": Planted("conv", ("batch normalization updates",), (("if training:", "if False:"),)),
    "updates never run in TF1": Planted("conv", ("batch normalization updates",), (), (
        ("tf.group(minimize, *updates)", "minimize"),)),
    "batch norm momentum": Planted("conv", ("batch normalization momentum",), (
        ("assign_sub(0.1 *", "assign_sub(0.01 *"),)),
    # recurrent cells and attention
    "gate order": Planted("lstm", ("gate order",), (("i, j, f, o = tf.split", "i, f, j, o = tf.split"),)),
    "forget bias missing": Planted("lstm", ("forget bias",), (("tf.sigmoid(f + 1.0)", "tf.sigmoid(f)"),)),
    "forget bias doubled": Planted("lstm", ("forget bias", "constant"), (("tf.sigmoid(f + 1.0)", "tf.sigmoid(f + 2.0)"),)),
    "reset after": Planted("gru", ("reset_after",), (
        ('tf.tanh(tf.matmul(tf.concat([feeds["x"][:, time], r * h], 1), wc) + bc)',
         'tf.tanh(tf.matmul(feeds["x"][:, time], wc[:3]) + r * tf.matmul(h, wc[3:]) + bc)'),)),
    "update gate exchanged": Planted("gru", ("gate order", "operation", "argument"), (
        ("u * h + (1 - u) * c", "(1 - u) * h + u * c"),), line="h = (1 - u)"),
    "softmax axis": Planted("attention", ("axis",), (("tf.nn.softmax(scores)", "tf.nn.softmax(scores, axis=1)"),)),
    "scale missing": Planted("attention", ("scale", "constant", "operation"), (
        ("transpose_b=True) / 2.0", "transpose_b=True)"),)),
    "residual missing": Planted("attention", ("residual connection", "operation"), (("x + mixed", "mixed"),)),
    "layer norm epsilon": Planted("attention", ("epsilon", "constant"), (("variance + 1e-6", "variance + 1e-3"),)),
    "embedding summed": Planted("embedding", ("mean for sum",), (
        ('tf.reduce_mean(tf.nn.embedding_lookup', 'tf.reduce_sum(tf.nn.embedding_lookup'),)),
    # training
    "clipping missing": Planted("mlp", ("clipping",), (("        " + _CLIP + "\n", ""),)),
    "another clipping bound": Planted("mlp", ("clipping",), ((_CLIP, _CLIP.replace("0.5", "0.25")),), line="clip_by"),
    "clipping added": Planted("mlp", ("clipping",), (), (("    " + _CLIP + "\n", ""),)),
    "gradients out of order": Planted("mlp", ("gradients out of order",), (
        ("optimizer.apply(gradients, variables)",
         "optimizer.apply([gradients[1], gradients[0], *gradients[2:]], variables)"),)),
    "EMA without num_updates": Planted("embedding", ("EMA num_updates",), (
        ("decay = tf.minimum(0.9, (1.0 + done) / (10.0 + done))", "decay = 0.9"),)),
    "frozen layer trained": Planted("mlp", ("frozen layer trained",), (_LOOSE,), (
        ("compute_gradients(loss)", "compute_gradients(loss, [w1, w3, b1, b2, b3])"), _LOOSE), ),
    "trained layer frozen": Planted("mlp", ("trained layer frozen",), (
        _LOOSE, ("tape.gradient(loss, variables)", "tape.gradient(loss, [w1, w3, b1, b2, b3])"),
        ("apply(gradients, variables)", "apply(gradients, [w1, w3, b1, b2, b3])")), (_LOOSE,)),
    "keep_prob for rate": Planted("mlp", ("keep_prob for rate",), (
        ("logits = tf.matmul(second", "second = tf.nn.dropout(second, 0.75, seed=7)\n        logits = tf.matmul(second"),),
        (("logits = tf.matmul(second", "second = tf.nn.dropout(second, keep_prob=0.75, seed=7)\n    logits = tf.matmul(second"),)),
    "Adam's epsilon": Planted("attention", ("epsilon",), (("optimizers.Adam(0.01)", "optimizers.Adam(0.01, epsilon=1e-5)"),)),
    "weight decay of the optimizer": Planted("attention", ("weight_decay",), (
        ("optimizers.Adam(0.01)", "keras.optimizers.Adam(0.01, epsilon=1e-8, weight_decay=0.01)"),)),
    "nesterov": Planted("conv", ("use_nesterov",), (("Momentum(0.01, 0.9)", "Momentum(0.01, 0.9, use_nesterov=True)"),)),
    "another learning rate": Planted("lstm", ("learning_rate",), (("GradientDescent(0.1)", "GradientDescent(0.05)"),)),
    "momentum of the optimizer": Planted("conv", ("momentum",), (("Momentum(0.01, 0.9)", "Momentum(0.01, 0.8)"),)),
    # what hides behind zeros, a lacking axis or the norm of all gradients
    "mask missing, its axis too": Planted("pooled", ("mask",), (("vectors * mask[:, :, None]", "vectors"),)),
    "norm along the other axis": Planted("pooled", ("axis",), (("l2_normalize(pooled, 1,", "l2_normalize(pooled, 0,"),)),
    "bias of zeros missing": Planted("pooled", ("bias missing",), (("tf.matmul(normed, kernel) + bias", "tf.matmul(normed, kernel)"),), line="score ="),
    "bias of zeros missing, clipped": Planted("sparse code", ("bias missing",), (("transpose_b=True) + b", "transpose_b=True)"),), line="again ="),
    "mean of all for the sum of each": Planted("sparse code", ("mean for sum",), (
        ("tf.reduce_mean(tf.reduce_sum(tf.square(again - x), 1))", "tf.reduce_mean(tf.square(again - x))"),), line="loss ="),
    "mean along the other axis": Planted("sparse code", ("axis",), (("tf.reduce_mean(code, 0)", "tf.reduce_mean(code, 1)"),)),
    "gradient not stopped": Planted("sparse code", ("stop_gradient",), (), (("tf.abs(activity", "tf.abs(tf.stop_gradient(activity)"),)),
    "average updated before the step": Planted("slow copy", ("updates out of order",), (
        ("        descend(feeds)\n        slow.assign(0.9 * slow + 0.1 * w)", "        slow.assign(0.9 * slow + 0.1 * w)\n        descend(feeds)"),)),
    "average never updated": Planted("slow copy", ("updates",), (("        slow.assign(0.9 * slow + 0.1 * w)\n", ""),)),
    "maximum for mean": Planted("sparse code", ("reduction",), (("tf.reduce_mean(code, 0)", "tf.reduce_max(code, 0)"),)),
    "trained bias frozen, clipped": Planted("sparse code", ("trained layer frozen",), (("variables = [w, b]", "variables = [w]"),)),
}  # fmt: skip

_DENSE = """
    from keras import layers
    model = keras.Sequential([keras.Input((6,)), layers.Dense(6, "relu"), layers.Dense(6, "tanh"), layers.Dense(6)])
    w1, b1, w2, b2, w3, b3 = variables = [v.value for v in model.trainable_variables]
"""
_CREATED = """
    w1, w2, w3 = (tf.Variable(tf.zeros([6, 6]), name="w%d" % n) for n in (1, 2, 3))
    b1, b2, b3 = (tf.Variable(tf.zeros([6]), name="b%d" % n) for n in (1, 2, 3))
    variables = [w1, w2, w3, b1, b2, b3]
"""
_SPLIT = """tf.matmul(feeds["x"][:, time], kernel[:3]) + tf.matmul(h, kernel[3:]) + bias"""

CORRECT = {
    **{f"{model}, as it stands": Planted(model, ()) for model in MODELS},
    "mlp with bias_add": Planted("mlp", (), (("tf.matmul(first, w2) + b2", "tf.nn.bias_add(tf.matmul(first, w2), b2)"),)),
    "mlp with a softmax of its own": Planted("mlp", (), (
        ("tf.nn.softmax_cross_entropy_with_logits(labels, logits)",
         "-tf.reduce_sum(labels * tf.nn.log_softmax(logits), -1)"),)),
    "mlp compiled": Planted("mlp", (), (("    def step(feeds)", "    @tf.function\n    def step(feeds)"),)),
    "mlp with another norm": Planted("mlp", (), (
        (_L2, "0.005 * (tf.reduce_sum(w1 ** 2) + tf.reduce_sum(w2 ** 2) + tf.reduce_sum(w3 ** 2))"),)),
    "lstm with two products": Planted("lstm", (), (
        ('tf.matmul(tf.concat([feeds["x"][:, time], h], 1), kernel) + bias', _SPLIT),)),
    "attention with einsum": Planted("attention", (), (
        ("tf.matmul(queries, keys, transpose_b=True) / 2.0", '0.5 * tf.einsum("bqd,bkd->bqk", queries, keys)'),)),
    "conv with an update written otherwise": Planted("conv", (), (
        ("mean.assign_sub(0.1 * (mean - batch_mean))", "mean.assign(0.9 * mean + 0.1 * batch_mean)"),)),
    "gru with another combination": Planted("gru", (), (("u * h + (1 - u) * c", "c + u * (h - c)"),)),
}  # fmt: skip
