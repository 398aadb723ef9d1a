"""What an agent costs: a forecast from declared prices, and what it did cost. No price is built in."""
