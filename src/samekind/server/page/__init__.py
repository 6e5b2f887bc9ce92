"""The web page: Gradio, for a person who has never heard of embeddings."""

import os

# Gradio and the hub's client read these when they are imported: no statistics are sent, no versions asked for.
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["HF_HUB_OFFLINE"] = "1"
