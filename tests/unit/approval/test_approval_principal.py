import pytest

from belay.approval.principal import Principal, Sameness, same_person

USERS = "arn:aws:iam::111122223333:user"
ROLES = "arn:aws:sts::111122223333:assumed-role"
MARIA = Principal(f"{ROLES}/Deployer/maria@example.com", "AROA1:maria@example.com")


@pytest.mark.parametrize(
    ("arn", "person", "role"),
    [
        (f"{USERS}/Maria", "maria", ""),
        (f"{USERS}/team/orders/maria", "maria", ""),
        (f"{ROLES}/Deployer/Maria@Example.com", "maria@example.com", "111122223333/Deployer"),
        (f"{ROLES}/Deployer/botocore-session-1700000000", "", "111122223333/Deployer"),
        (f"{ROLES}/Deployer/AWSCLI-Session-1700000000", "", "111122223333/Deployer"),
        (f"{ROLES}/Builder/AWSCodeBuild-0123abcd", "", "111122223333/Builder"),
        (f"{ROLES}/Runner/GitHubActions", "", "111122223333/Runner"),
        (f"{ROLES}/Instance/i-0123456789abcdef0", "", "111122223333/Instance"),
        (f"{ROLES}/Deployer/1700000000000", "", "111122223333/Deployer"),
        ("arn:aws:sts::111122223333:federated-user/maria", "maria", ""),
        ("arn:aws:iam::111122223333:root", "", ""),
        ("arn:aws-cn:iam::111122223333:user/maria", "maria", ""),
        ("AIDACKCEVSQ6C2EXAMPLE", "", ""),
        ("", "", ""),
    ],
)
def test_a_name_is_a_person_s_unless_a_program_made_it(arn: str, person: str, role: str) -> None:
    assert (Principal(arn).person, Principal(arn).role) == (person, role)


@pytest.mark.parametrize(
    ("uploader", "approver", "sameness"),
    [
        (MARIA, MARIA, "SAME"),
        (MARIA, Principal(f"{ROLES}/Administrator/maria@example.com", "AROA2:maria@example.com"), "SAME"),
        (MARIA, Principal("arn:aws:sts::444455556666:assumed-role/Deployer/MARIA@example.com"), "SAME"),
        (Principal(f"{USERS}/maria", "AIDA1"), Principal(f"{USERS}/renamed", "AIDA1"), "SAME"),
        (Principal(f"{USERS}/maria", "AIDA1"), Principal(f"{ROLES}/Deployer/maria", "AROA1:maria"), "SAME"),
        (MARIA, Principal(f"{ROLES}/Deployer/jo@example.com", "AROA1:jo@example.com"), "DIFFERENT"),
        (Principal(f"{USERS}/maria", "AIDA1"), Principal(f"{USERS}/jo", "AIDA2"), "DIFFERENT"),
        (Principal(f"{ROLES}/Builder/AWSCodeBuild-1"), MARIA, "DIFFERENT"),
        (Principal(f"{ROLES}/Deployer/botocore-session-1"), MARIA, "UNKNOWN"),
        (MARIA, Principal(f"{ROLES}/Deployer/botocore-session-1"), "UNKNOWN"),
        (MARIA, Principal("arn:aws:iam::111122223333:root"), "UNKNOWN"),
        (Principal("arn:aws:iam::111122223333:root"), MARIA, "UNKNOWN"),
        (Principal("somebody"), MARIA, "UNKNOWN"),
        (MARIA, Principal(""), "UNKNOWN"),
    ],
)
def test_two_principals_are_one_person_or_not(uploader: Principal, approver: Principal, sameness: str) -> None:
    assert same_person(uploader, approver) is Sameness(sameness)
