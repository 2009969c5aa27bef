"""Direct preference optimisation of a toy language model, with log-probabilities that never hold all the logits.

Run it with ``python examples/preference.py``. Of each pair of texts one is preferred. With ``π`` the policy and ``ρ``
the frozen model that it began as, the loss is::

    -log σ(β·[log π(preferred) - log ρ(preferred) - log π(other) + log ρ(other)])

The log-probability of a text is the sum over its tokens of the negative losses of a linear head, which
`tf_repro.nn.linear_softmax_cross_entropy` gives one by one with ``reduction="none"``, a chunk of logits at a time.

Rafailov et al., "Direct preference optimization: your language model is secretly a reward model" (2023).
"""

import keras
import numpy as np
import tensorflow as tf

from tf_repro import nn

VOCABULARY, WIDTH, LENGTH, PADDING = 50, 16, 8, 0


class LanguageModel(keras.Model):
    """Tokens to features; the matrix of the embedding is the head's kernel as well."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = keras.layers.Embedding(VOCABULARY, WIDTH)
        self.recurrent = keras.layers.GRU(WIDTH, return_sequences=True)

    def call(self, tokens: tf.Tensor) -> tf.Tensor:
        """Features ``[texts, length, width]`` of integer tokens ``[texts, length]``."""
        return self.recurrent(self.embedding(tokens))

    def log_probabilities(self, texts: tf.Tensor) -> tf.Tensor:
        """``log π`` of each text ``[texts]`` given its first token; padding counts nothing."""
        features = self(texts[:, :-1])
        losses = nn.linear_softmax_cross_entropy(
            features,
            self.embedding.embeddings.value,
            texts[:, 1:],
            reduction="none",
            ignore_class=PADDING,
            transpose_kernel=True,
        )
        return -tf.reduce_sum(losses, -1)


def preference_loss(margins: tf.Tensor, beta: float) -> tf.Tensor:
    """``-log σ(β·margin)``, in its mean."""
    return tf.reduce_mean(tf.math.softplus(-beta * margins))


def texts(pairs: int, seed: int) -> tuple[tf.Tensor, tf.Tensor]:
    """Preferred texts, which count upwards from a random token, and others, which are random; some are padded."""
    rng = np.random.default_rng(seed)
    first = rng.integers(1, VOCABULARY - LENGTH, size=(pairs, 1))
    preferred, other = first + np.arange(LENGTH), rng.integers(1, VOCABULARY, size=(pairs, LENGTH))
    other[:, 0] = first[:, 0]
    padded = np.arange(LENGTH) >= rng.integers(LENGTH // 2, LENGTH + 1, size=(pairs, 1))
    return tuple(tf.constant(np.where(padded, PADDING, tokens), tf.int32) for tokens in (preferred, other))


def train(pairs: int = 256, steps: int = 60, beta: float = 0.5) -> dict[str, float]:
    """Loss and share of new pairs that the policy ranks rightly, before and after."""
    keras.utils.set_random_seed(0)
    preferred, other = texts(pairs, 0)
    policy, reference = LanguageModel(), LanguageModel()
    for model in (policy, reference):
        model(preferred[:, :-1])
    reference.set_weights(policy.get_weights())
    optimizer = keras.optimizers.Adam(0.01)

    def margins(preferred: tf.Tensor, other: tf.Tensor) -> tf.Tensor:
        mine = policy.log_probabilities(preferred) - policy.log_probabilities(other)
        begun = reference.log_probabilities(preferred) - reference.log_probabilities(other)
        return mine - tf.stop_gradient(begun)

    @tf.function
    def step() -> tf.Tensor:
        with tf.GradientTape() as tape:
            loss = preference_loss(margins(preferred, other), beta)
        variables = policy.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
        return loss

    losses = [float(step()) for _ in range(steps)]
    right = tf.reduce_mean(tf.cast(margins(*texts(pairs, 1)) > 0, tf.float32))
    return {"first loss": losses[0], "last loss": losses[-1], "new pairs ranked rightly": float(right)}


if __name__ == "__main__":
    for name, value in train().items():
        print(f"{name:25} {value:.3f}")
