"""Functions of Lambda: their package, the program that runs the code in them, and the engine that starts them."""
