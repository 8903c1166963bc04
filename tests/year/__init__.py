"""A simulated year: stores with labelled incidents and odd days, watched by the functions of production."""
