"""Django REST framework with a view that calls Celery's delay(); served by gunicorn with threads."""

import django
from django.conf import settings

from celery_jobs import noop

settings.configure(
    SECRET_KEY="only for a benchmark on loopback",  # noqa: S106
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF="celery_web",
    INSTALLED_APPS=["rest_framework"],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": [],
        "DEFAULT_PERMISSION_CLASSES": [],
        "UNAUTHENTICATED_USER": None,
    },
)
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework import serializers  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402


class JobSerializer(serializers.Serializer):
    """The outline's example."""

    kind = serializers.CharField(max_length=128)
    payload = serializers.JSONField()
    priority = serializers.ChoiceField(["critical", "high", "medium", "low"], default="medium")
    max_retries = serializers.IntegerField(min_value=0, max_value=255, default=3)


class Jobs(APIView):
    """POST /jobs."""

    def post(self, request):
        """Send a task."""
        job = JobSerializer(data=request.data)
        job.is_valid(raise_exception=True)
        return Response({"id": noop.delay(job.validated_data["payload"]).id, "status": "queued"}, status=202)


urlpatterns = [path("jobs", Jobs.as_view())]
application = get_wsgi_application()
