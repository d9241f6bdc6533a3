from django.apps import AppConfig


class TradingConfig(AppConfig):
    name = "trading"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Wherever Django runs, the web process too, our tasks are sent by our broker and not by Celery's default."""
        import rebalancer.celery  # noqa: F401
