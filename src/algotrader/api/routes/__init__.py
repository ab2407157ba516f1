"""The routes, by what they are about. Each names the least role that may call it."""
