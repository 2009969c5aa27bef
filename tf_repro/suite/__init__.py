"""Who wants a figure reproduced: claims, statements, derivations, kernels, and the run that pairs them."""
