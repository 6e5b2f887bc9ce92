"""From images to embeddings to verdicts."""
