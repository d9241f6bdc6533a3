"""Saying why an order may go although a check held it."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from accounts.requests import FirmRequest, needs
from accounts.roles import Right
from accounts.views.asked import id_of, text_of
from trading.services.notes import NOTE_LENGTH, NoteNeeded, NothingToNote, OrderNotFound, write_note
from trading.tasks.orders import nudge_orders


@require_POST
@needs(Right.APPROVE)
def write(request: FirmRequest, pk: int) -> HttpResponse:
    try:
        write_note(
            firm_id=request.member.firm_id,
            order_id=pk,
            check_id=id_of(request.POST, "check") or 0,
            note=text_of(request.POST, "note", length=NOTE_LENGTH),
            by=request.member.email,
            at=timezone.now(),
        )
    except OrderNotFound:
        raise Http404 from None
    except (NoteNeeded, NothingToNote) as error:
        messages.error(request, str(error))
    else:
        nudge_orders(request.member.firm_id)
        messages.success(request, "Noted. The order is checked again and goes if nothing else is in its way.")
    return redirect("order", pk)
