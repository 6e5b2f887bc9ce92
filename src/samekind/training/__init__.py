"""Training a Siamese network and writing it as a model file. Needs the extra ``train``."""
