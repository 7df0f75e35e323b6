"""What is sent and what comes back: frozen values, OpenAI-shaped."""
