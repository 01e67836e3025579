"""What clients ask and what the server does to them is carried out here, in the hub, the store and the hooks."""
