"""What can go wrong with owners; every message is one sentence that says what to do."""


class DialerError(Exception):
    """Base of this folder's errors. No message ever holds a phone number or a plate."""


class ConfigProblem(DialerError):
    """`vault.toml` is not right."""


class KeyProblem(DialerError):
    """The key is missing, malformed, readable by others, or of another register."""


class RegisterProblem(DialerError):
    """The owners' list or the sealed register cannot be used."""


class AuditBroken(DialerError):
    """The audit log was changed after it was written."""


class AuditUnreadable(DialerError):
    """There is no audit log where it should be, or it cannot be read."""


class AuditInUse(DialerError):
    """Another vault writes this audit log."""


class VaultFailed(DialerError):
    """The vault process cannot start."""


class VaultUnavailable(DialerError):
    """The vault gives no answer now: tell the caller and hand the call to a person."""


class LookupRefused(VaultUnavailable):
    """The vault is there and says no. `kind`: "case", "caller", "hour", "request", "ticket", "renewals", "gone"; of
    a text also "quiet", "texts", "number" or "gateway"."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind
