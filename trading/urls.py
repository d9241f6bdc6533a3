from django.urls import path

from trading.views import blocks, breaks, bulk, client, halts, home, notes, orders, proposals, worklist

urlpatterns = [
    path("", home.home, name="home"),
    path("worklist/", worklist.worklist, name="worklist"),
    path("scans/", worklist.scan_start, name="scan-start"),
    path("scans/<int:pk>/", worklist.progress, name="scan-progress"),
    path("proposals/approve/", bulk.approve_many, name="proposals-approve"),
    path("proposals/<int:pk>/", proposals.proposal, name="proposal"),
    path("proposals/<int:pk>/scenario/", proposals.choose, name="proposal-scenario"),
    path("proposals/<int:pk>/approve/", proposals.approve, name="proposal-approve"),
    path("proposals/<int:pk>/reject/", proposals.reject, name="proposal-reject"),
    path("orders/", orders.orders, name="orders"),
    path("orders/<int:pk>/", orders.order, name="order"),
    path("orders/<int:pk>/cancel/", orders.cancel, name="order-cancel"),
    path("orders/<int:pk>/note/", notes.write, name="order-note"),
    path("halts/", halts.halts, name="halts"),
    path("halts/raise/", halts.raise_one, name="halt-raise"),
    path("halts/<int:pk>/ask/", halts.ask, name="halt-ask"),
    path("halts/<int:pk>/agree/", halts.agree, name="halt-agree"),
    path("breaks/", breaks.breaks, name="breaks"),
    path("breaks/file/", breaks.breaks_file, name="breaks-file"),
    path("breaks/<int:pk>/assign/", breaks.assign, name="break-assign"),
    path("breaks/<int:pk>/close/", breaks.close, name="break-close"),
    path("blocks/", blocks.blocks, name="blocks"),
    path("blocks/fairness/", blocks.fairness, name="fairness"),
    path("blocks/fairness/file/", blocks.fairness_file, name="fairness-file"),
    path("blocks/<int:pk>/", blocks.block, name="block"),
    path("blocks/<int:pk>/ask/", blocks.ask, name="block-ask"),
    path("blocks/<int:pk>/decide/", blocks.decide, name="block-decide"),
    path("plan/", client.client, name="client-home"),
]
