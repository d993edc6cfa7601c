"""Tables, charts, signs and filters that several pages share."""
