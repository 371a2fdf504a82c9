"""A real server for each test, and clients that can also behave badly."""
