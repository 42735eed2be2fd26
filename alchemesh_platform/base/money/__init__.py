"""Money: currencies, and the quantities that prices are for."""
