from django.urls import path

from transplants import views_papers as views

urlpatterns = [
    path("orders/<uuid:pk>/papers/<slug:kind>.pdf", views.order_paper, name="order-paper"),
    path("papers/<uuid:pk>.pdf", views.paper_file, name="paper-file"),
    path("papers/texts/", views.text_list, name="paper-text-list"),
    path("papers/texts/<slug:kind>/new/", views.text_edit, name="paper-text-edit"),
    path("papers/texts/<uuid:pk>/", views.text_detail, name="paper-text-detail"),
    path("papers/texts/<uuid:pk>/approve/", views.text_approve, name="paper-text-approve"),
]
