"""The panel of now in a terminal: which stores and extensions ring, wait and talk at this moment."""
