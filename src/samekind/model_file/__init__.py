"""The one file that is a model: its card, the outside of the ONNX file, and what similarities mean by it."""
