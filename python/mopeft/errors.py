"""What can go wrong, as exceptions that say what happened, where, and what to do."""


class MopeftError(Exception):
    """code: the studio's name of the failure; what happened; where: the file or setting; cure: what to do."""

    def __init__(self, code: str, what: str, where: object, cure: str) -> None:
        super().__init__(f"{where}: {what} {cure}")
        self.code, self.what, self.where, self.cure = code, what, str(where), cure


class AdapterError(MopeftError):
    """The adapter cannot be read, or does not belong to the model."""


class ModelError(MopeftError):
    """The base model cannot be opened."""


class ImageError(MopeftError):
    """The image cannot be read."""


class TrainError(MopeftError):
    """A project, dataset or run cannot be trained on, or the training failed."""


class AskError(MopeftError, ValueError):
    """What is asked of a model cannot be answered: prompts, a dataset, a setting."""
