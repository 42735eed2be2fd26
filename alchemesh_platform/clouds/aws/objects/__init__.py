"""Objects of AWS that hold data: their owner and their contents."""
