"""What brings people to the clinic: a short list of our own, by chapters, and what each diagnosis does to a visit.

The codes are made up (chapter and number); they are of no published classification, and frequencies are of no country.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Diagnosis(NamedTuple):
    """``age`` is the middle of the ages that have it and ``spread`` their width in years; 0 means any age.

    ``winter`` is how much the cold months change its frequency (1: doubled in January, halved in July), ``needs`` the
    lasting condition that it belongs to, ``only`` the sex that has it. What follows are the shifts of what is measured,
    the laboratory value that is taken, the medicine, and how grave it is (0 to 1).
    """

    code: str
    name: str
    department: str
    primary: float
    hospital: float
    age: float = 0.0
    spread: float = 30.0
    winter: float = 0.0
    needs: str = ""
    only: str = ""
    temperature: float = 0.0
    systolic: float = 0.0
    heart_rate: float = 0.0
    oxygen: float = 0.0
    laboratory: str = ""
    level: float = 0.0
    medicines: tuple[str, ...] = ()
    grave: float = 0.05


#: Laboratory values: unit, usual value, spread of its logarithm.
LABORATORY: dict[str, tuple[str, float, float]] = {
    "C-reactive protein": ("mg/l", 2.5, 0.7),
    "glycated haemoglobin": ("%", 5.4, 0.06),
    "creatinine": ("umol/l", 76.0, 0.18),
    "haemoglobin": ("g/dl", 13.9, 0.07),
    "troponin": ("ng/l", 6.0, 0.5),
    "thyrotropin": ("mU/l", 1.9, 0.4),
}
_CRP, _HBA1C, _CREATININE, _HB, _TROPONIN, _TSH = LABORATORY

#: ``level`` is what is added to the logarithm of the usual value.
DIAGNOSES: tuple[Diagnosis, ...] = (
    Diagnosis(
        "RES-10", "common cold", "general medicine", 11.0, 1.0, 20, 38, 1.0, temperature=0.6, heart_rate=5,
        medicines=("paracetamol", "nasal spray"), grave=0.01,
    ),
    Diagnosis(
        "RES-20", "acute bronchitis", "general medicine", 6.0, 2.0, 55, 40, 0.9, temperature=0.7, heart_rate=6,
        oxygen=-0.8, laboratory=_CRP, level=1.5, medicines=("cough syrup", "salbutamol"), grave=0.05,
    ),
    Diagnosis(
        "RES-30", "influenza", "general medicine", 3.0, 1.5, 40, 45, 1.8, temperature=1.9, heart_rate=14, oxygen=-0.7,
        laboratory=_CRP, level=1.7, medicines=("oseltamivir", "paracetamol"), grave=0.10,
    ),
    Diagnosis(
        "RES-40", "pneumonia", "respiratory medicine", 0.8, 4.0, 74, 26, 0.8, temperature=1.7, heart_rate=18,
        systolic=-6, oxygen=-4.0, laboratory=_CRP, level=3.6, medicines=("amoxicillin", "doxycycline"), grave=0.55,
    ),
    Diagnosis(
        "RES-50", "asthma, follow-up", "respiratory medicine", 3.5, 2.5, 30, 40, 0.3, "asthma", heart_rate=3,
        oxygen=-0.8, medicines=("salbutamol", "budesonide"), grave=0.04,
    ),
    Diagnosis(
        "CIR-10", "high blood pressure, follow-up", "general medicine", 9.0, 2.0, 66, 24, 0.1, "hypertension",
        systolic=6, laboratory=_CREATININE, level=0.08, medicines=("ramipril", "amlodipine"), grave=0.02,
    ),
    Diagnosis(
        "CIR-20", "atrial fibrillation", "cardiology", 1.2, 4.5, 75, 16, 0.1, "hypertension", systolic=-3,
        heart_rate=27, laboratory=_TSH, level=0.05, medicines=("apixaban", "metoprolol"), grave=0.25,
    ),
    Diagnosis(
        "CIR-30", "heart failure", "cardiology", 0.9, 5.0, 79, 13, 0.3, "hypertension", systolic=-8, heart_rate=13,
        oxygen=-2.6, laboratory=_CREATININE, level=0.35, medicines=("furosemide", "bisoprolol"), grave=0.50,
    ),
    Diagnosis(
        "CIR-40", "chest pain, heart attack ruled out", "emergency", 0.4, 4.0, 58, 22, 0.2, systolic=9, heart_rate=9,
        laboratory=_TROPONIN, level=0.2, grave=0.12,
    ),
    Diagnosis(
        "CIR-50", "heart attack", "emergency", 0.05, 1.6, 69, 17, 0.3, systolic=4, heart_rate=13, oxygen=-1.5,
        laboratory=_TROPONIN, level=4.6, medicines=("aspirin", "atorvastatin"), grave=0.96,
    ),
    Diagnosis(
        "MET-10", "type 2 diabetes, follow-up", "general medicine", 6.5, 2.0, 65, 22, 0.0, "diabetes", systolic=3,
        laboratory=_HBA1C, level=0.27, medicines=("metformin", "empagliflozin"), grave=0.03,
    ),
    Diagnosis(
        "MET-20", "diabetes out of control", "internal medicine", 0.4, 2.0, 60, 28, 0.1, "diabetes", systolic=-3,
        heart_rate=11, laboratory=_HBA1C, level=0.62, medicines=("insulin",), grave=0.45,
    ),
    Diagnosis(
        "MET-30", "underactive thyroid", "general medicine", 2.2, 0.8, 55, 24, 0.0, heart_rate=-5, laboratory=_TSH,
        level=1.4, medicines=("levothyroxine",), grave=0.01,
    ),
    Diagnosis(
        "MUS-10", "low back pain", "orthopaedics", 8.0, 3.0, 50, 24, 0.0, systolic=4,
        medicines=("ibuprofen", "naproxen"), grave=0.02,
    ),
    Diagnosis(
        "MUS-20", "osteoarthritis of the knee", "orthopaedics", 3.0, 4.0, 70, 17, 0.0,
        medicines=("diclofenac gel", "ibuprofen"), grave=0.08,
    ),
    Diagnosis(
        "INJ-10", "sprained ankle", "emergency", 2.0, 4.0, 24, 20, -0.2, medicines=("ibuprofen",), grave=0.02
    ),
    Diagnosis(
        "INJ-20", "broken wrist", "emergency", 0.3, 3.0, 68, 34, 0.5, systolic=7, heart_rate=6,
        medicines=("metamizole",), grave=0.30,
    ),
    Diagnosis(
        "INJ-30", "broken hip", "emergency", 0.03, 1.4, 83, 11, 0.4, systolic=4, heart_rate=10, oxygen=-0.8,
        laboratory=_HB, level=-0.14, medicines=("metamizole", "enoxaparin"), grave=0.98,
    ),
    Diagnosis(
        "DIG-10", "gastroenteritis", "general medicine", 4.5, 2.0, 22, 36, 0.4, temperature=0.7, systolic=-6,
        heart_rate=9, laboratory=_CRP, level=1.0, medicines=("oral rehydration salts",), grave=0.06,
    ),
    Diagnosis(
        "DIG-20", "appendicitis", "surgery", 0.1, 1.8, 21, 18, 0.0, temperature=1.1, heart_rate=13, laboratory=_CRP,
        level=3.0, medicines=("cefuroxime",), grave=0.97,
    ),
    Diagnosis(
        "DIG-30", "reflux", "general medicine", 3.2, 1.0, 52, 24, 0.0, medicines=("pantoprazole",), grave=0.01
    ),
    Diagnosis(
        "URO-10", "cystitis", "general medicine", 4.0, 1.2, 45, 34, 0.0, "", "female", temperature=0.3,
        laboratory=_CRP, level=0.6, medicines=("fosfomycin", "nitrofurantoin"), grave=0.02,
    ),
    Diagnosis(
        "URO-20", "enlarged prostate", "general medicine", 1.8, 1.5, 71, 12, 0.0, "", "male", laboratory=_CREATININE,
        level=0.07, medicines=("tamsulosin",), grave=0.04,
    ),
    Diagnosis(
        "MEN-10", "depressive episode", "general medicine", 3.8, 1.5, 43, 24, 0.3, laboratory=_TSH, level=0.0,
        medicines=("sertraline", "mirtazapine"), grave=0.08,
    ),
    Diagnosis("SKI-10", "eczema", "dermatology", 4.0, 2.0, 18, 34, 0.4, medicines=("hydrocortisone",), grave=0.01),
    Diagnosis(
        "BLO-10", "iron-deficiency anaemia", "internal medicine", 1.8, 1.8, 42, 28, 0.0, heart_rate=8, laboratory=_HB,
        level=-0.27, medicines=("iron sulphate",), grave=0.07,
    ),
    Diagnosis("FAC-10", "check-up, nothing found", "general medicine", 7.0, 1.0, 0, grave=0.0),
)  # fmt: skip

CONDITIONS = ("hypertension", "diabetes", "asthma")
CHAPTERS = (
    "RES breathing, CIR circulation, MET metabolism, MUS muscles and bones, INJ injuries, DIG digestion, "
    "URO urinary tract, MEN mental health, SKI skin, BLO blood, FAC other reasons"
)


def column(name: str) -> np.ndarray:
    """One trait of all diagnoses, in their order."""
    return np.array([getattr(one, name) for one in DIAGNOSES])
