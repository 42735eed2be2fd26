"""Who may consume an output port: requests, who decides on them, and what becomes of them."""
