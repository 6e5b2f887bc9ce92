"""The Siamese network: backbone, head, where their weights start, and the way out as ONNX."""
