"""One module for each contract. The catalogue finds every module in this folder."""
