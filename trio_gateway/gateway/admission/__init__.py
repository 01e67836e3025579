"""What decides who may be here: keys of tokens, who is kept out, and how many places a user has."""
