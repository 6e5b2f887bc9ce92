"""The FAISS index beside a gallery: made from its rows, kept up with them, never the only copy of anything."""
