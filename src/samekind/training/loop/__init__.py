"""The training loop: objectives, optimizer, checkpoints, and what stops a run in time."""
