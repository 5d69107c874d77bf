"""fastml beside scikit-learn and its peers: `python -m benchmarks.compare` starts here."""
