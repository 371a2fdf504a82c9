"""What tools/run-tests is made of: parts.py runs the kinds of test, results.py counts."""
