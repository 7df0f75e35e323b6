"""Wire formats, one module or package each; none of them touches the network."""
