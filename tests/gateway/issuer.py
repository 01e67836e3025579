"""An issuer publishes its keys at a URL, and signs tokens with them and with others."""

import trio
from session.signing import jwk, jwks, private, signed

URL = "https://gateway:password@id.example.com/keys"


class Issuer:
    """Publish keys by their numbers, as slowly and as badly as told."""

    def __init__(self, *numbers):
        self.publish(*numbers)
        self.seconds = 0.0
        self.error = None
        self.fetches = []

    def publish(self, *numbers):
        self.body = jwks(*(jwk("p256", number, kid=str(number)) for number in numbers))

    def token(self, number, **claims):
        return signed({"sub": "7"} | claims, key=private("p256", number), algorithm="ES256", kid=str(number))

    async def fetch(self, url):
        assert url == URL
        self.fetches.append(trio.current_time())
        await trio.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        return self.body
