"""A back end answers the hooks over HTTP, in the JSON of Centrifugo's HTTP proxies."""
