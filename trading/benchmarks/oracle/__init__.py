"""What the least cost of an account is, found without the engine: by listing everything, or by an integer program."""
