"""Back-propagation through softmax, as a Session program."""

from collections import OrderedDict

from legacy_tf1.tensorflow1 import tf

X = (1.0, 2.0, 3.0, 4.0, 5.0)
Y_TRUE = (3.0, 4.0, 5.0, 6.0, 7.0)


def run(x=X, y_true=Y_TRUE, learning_rate=1.0, steps=1):
    """Descend mean((softmax(x * w) - y_true) ** 2) from zeros; {moment: {quantity: array}}."""
    with tf.Graph().as_default():
        # inputs
        inputs = tf.placeholder(tf.float32, [len(x)])
        targets = tf.placeholder(tf.float32, [len(x)])
        # variables
        w = tf.Variable(tf.zeros([len(x)]))
        # forward
        logits = tf.multiply(inputs, w)
        y = tf.nn.softmax(logits)
        loss = tf.pow(y - targets, 2)
        cost = tf.reduce_mean(loss)
        # update
        train = tf.train.GradientDescentOptimizer(learning_rate).minimize(cost)
        # training
        prints = OrderedDict([("loss", loss), ("cost", cost), ("y", y), ("logits", logits), ("w", w)])
        feeds = {inputs: x, targets: y_true}
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            before = session.run(list(prints.values()), feeds)
            for _ in range(steps):
                session.run(train, feeds)
            after = session.run(list(prints.values()), feeds)
    return {"before": OrderedDict(zip(prints, before)), "after": OrderedDict(zip(prints, after))}


def run_all():
    """What `legacy_tf1.record` records of this program."""
    return run()
