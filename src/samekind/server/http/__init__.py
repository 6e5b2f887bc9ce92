"""What a request passes before it is answered, and how it is answered."""
