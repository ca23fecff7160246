"""The version that AT+GMR tells; the image builder puts the released one here."""

VERSION = "0.0.0-dev"
