"""Everything that reads labels, and what is known of a sound from them."""
