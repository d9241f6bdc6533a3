"""Invented people: the advisers, and the names that households are drawn from."""

from __future__ import annotations

from rebalancer.demo.book import DemoAdviser

ADVISERS: dict[str, tuple[DemoAdviser, ...]] = {
    "birch": (
        DemoAdviser("anna.larsen@birch.example", "Anna Larsen"),
        DemoAdviser("marcus.webb@birch.example", "Marcus Webb"),
        DemoAdviser("priya.raman@birch.example", "Priya Raman"),
        DemoAdviser("tom.osei@birch.example", "Tom Osei"),
        DemoAdviser("clara.novak@birch.example", "Clara Novak"),
    ),
    "cedar": (
        DemoAdviser("david.cho@cedar.example", "David Cho"),
        DemoAdviser("elena.marsh@cedar.example", "Elena Marsh"),
        DemoAdviser("sam.whitaker@cedar.example", "Sam Whitaker"),
    ),
}

_FIRST = (
    "Alice Benjamin Carol Daniel Elise Frank Grace Henry Irene James Karen Louis Maria Nathan Olivia Peter Quinn "
    "Rosa Samuel Teresa Ursula Victor Wanda Xavier Yvonne Zachary Amir Bianca Cyrus Dina Edgar Fatima Gordon Helen "
    "Ivan Julia Kenji Leila Mateo Nora Oscar Paula Rafael Sofia Thomas Uma Vera Walter Yusuf Zoe "
)

FIRST_NAMES: tuple[str, ...] = tuple(_FIRST.split())

_LAST = (
    "Abbott Alvarez Andersen Baptiste Becker Bennett Bianchi Brennan Calloway Castillo Chandra Chen Cohen Costa "
    "Dawson Delgado Dubois Ellison Eriksen Farouk Ferreira Fischer Foster Gallagher Garcia Gruber Hansen Harper "
    "Hayashi Hoffman Horvath Huang Ibrahim Ivanova Jackson Jensen Kapoor Kaufman Keller Khan Kowalski Lambert "
    "Lindqvist Lopez Mackenzie Malik Marino Martins Mbeki Mendoza Moreau Morita Murphy Nakamura Ndiaye Nguyen "
    "Nielsen Novotny Oakley OBrien Okafor Olsen Ortega Papadakis Park Patel Pereira Petrov Pham Quigley Ramirez "
    "Reyes Rinaldi Rossi Russo Sandoval Santos Schneider Sharma Silva Singh Sorensen Stewart Suzuki Takahashi "
    "Tanaka Thornton Torres Tran Turner Ueda Vargas Vasquez Vogel Wagner Walsh Weber Whitfield Yamada Yilmaz "
    "Zamora Zhang Ziegler "
)

LAST_NAMES: tuple[str, ...] = tuple(_LAST.split())
