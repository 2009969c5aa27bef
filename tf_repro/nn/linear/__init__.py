"""How a linear layer and its softmax cross-entropy are computed with few logits in memory at a time.

`head` describes the layer, `rows` holds the mathematics of the examples of one chunk, `chunks` the loops, `orders`
the derivatives of first and second order; `distillation` does with a second head what they do with labels, and
`checks` refuses wrong arguments.
"""
