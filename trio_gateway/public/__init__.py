"""What stands on the clients' port besides the endpoints: a page, and requests that clients make beside their connections."""
