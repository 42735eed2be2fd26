"""The catalogue of components, with the arguments and outputs of each."""
