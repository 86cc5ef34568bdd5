"""A year of invented families, lived with the product's own code and judged from what really left."""
