"""Every operation of the document once, by the client that is made from it: what does not fit its types does not pass mypy,
and what the service answers is held against what the sandbox is known to hold. An operation that is not called is an error.
"""

import base64
import datetime
import os
import sys
from pathlib import Path
from typing import TypeVar

from called import Called
from storegate_client import AuthenticatedClient, Client
from storegate_client.api.cache import purge_cache
from storegate_client.api.demographics import read_demographics_of_stores, read_store_demographics
from storegate_client.api.flow import (
    read_flow_of_stores,
    read_organization_flow,
    read_store_flow,
    watch_store_flow,
)
from storegate_client.api.inspections import list_inspections
from storegate_client.api.operations import read_health, read_metrics, read_readiness
from storegate_client.api.organizations import read_developer_account
from storegate_client.api.stores import list_stores, read_store, read_store_overview
from storegate_client.api.tokens import (
    introspect_token,
    issue_token,
    read_authorization_server_metadata,
    read_jwks,
    revoke_token,
)
from storegate_client.models import (
    AuthorizationServerMetadata,
    Demographics,
    DeveloperAccount,
    FlowOfStores,
    Gender,
    Health,
    InspectionList,
    IntrospectionAnswer,
    JwkSet,
    ListInspectionsSourceTypeItem,
    OrganizationFlow,
    Overview,
    Problem,
    Purged,
    Readiness,
    ReadStoreOverviewPartsItem,
    SourceType,
    Store,
    StoreFlow,
    StoreList,
    StoreStatus,
    TokenAnswer,
    TokenForm,
    TokenRequest,
    TokenRequestGrantType,
)

URL = os.environ["STOREGATE_URL"]
CLIENT_ID, CLIENT_SECRET = os.environ["CLIENT_ID"], os.environ["CLIENT_SECRET"]
COUNTED, ALSO_COUNTED, LISTED = "S_123456", "S_100001", "SHOP001"
TODAY = datetime.datetime.now(datetime.timezone(datetime.timedelta(hours=8))).date()
FROM, TO = TODAY - datetime.timedelta(days=7), TODAY - datetime.timedelta(days=1)

called = Called(Path(sys.argv[1]))
arguments = called.hooks()
nobody = Client(base_url=URL, httpx_args=arguments, raise_on_unexpected_status=True)
basic = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
itself = AuthenticatedClient(
    base_url=URL, token=basic, prefix="Basic", httpx_args=arguments, raise_on_unexpected_status=True
)
T = TypeVar("T")


def must(kind: type[T], answer: object) -> T:
    """The answer, if it is of this kind; a problem says what it is."""
    if not isinstance(answer, kind):
        raise SystemExit(f"not a {kind.__name__}: {answer}")
    return answer


def tokens() -> AuthenticatedClient:
    """A token for the rest, after one that was given back."""
    grant = TokenRequestGrantType.CLIENT_CREDENTIALS
    form = TokenRequest(grant_type=grant, scope="stores:read", client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
    narrow = must(TokenAnswer, issue_token.sync(client=nobody, body=form))
    assert (narrow.token_type, narrow.scope) == ("Bearer", "stores:read")
    question = TokenForm(token=narrow.access_token)
    before = must(IntrospectionAnswer, introspect_token.sync(client=itself, body=question))
    assert before.active and before.client_id == CLIENT_ID and before.scope == "stores:read"
    revoked = AuthenticatedClient(base_url=URL, token=narrow.access_token, httpx_args=arguments)
    assert must(Problem, read_store_flow.sync(COUNTED, client=revoked)).status == 403
    assert revoke_token.sync_detailed(client=itself, body=question).status_code == 200
    after = must(IntrospectionAnswer, introspect_token.sync(client=itself, body=question))
    assert not after.active
    assert must(Problem, read_store.sync(LISTED, client=revoked)).status == 401

    wide = must(TokenAnswer, issue_token.sync(client=itself, body=TokenRequest(grant_type=grant)))
    assert "cache:purge" in wide.scope.split()
    return AuthenticatedClient(
        base_url=URL, token=wide.access_token, httpx_args=arguments, raise_on_unexpected_status=True
    )


def stores(client: AuthenticatedClient) -> None:
    page = must(StoreList, list_stores.sync(client=client, code=[LISTED, "SHOP002"], page_size=5))
    assert [store.oms_code for store in page.items] == [LISTED, "SHOP002"] and page.page.total == 2
    store = must(Store, read_store.sync(LISTED, client=client))
    assert (store.name, store.address) == ("木棉上海解放路1店", "上海市徐汇区解放路12号")
    assert store.status == StoreStatus.ONLINE and store.contact.email == "shop001@example.com"
    assert store.created_at == datetime.datetime.fromisoformat("2021-07-08T17:35:18+08:00")
    kept = read_store.sync_detailed(LISTED, client=client)
    assert kept.headers["cache-status"].startswith("storegate; hit")
    assert read_store.sync_detailed(LISTED, client=client, if_none_match=kept.headers["etag"]).status_code == 304
    parts = [ReadStoreOverviewPartsItem.STORE, ReadStoreOverviewPartsItem.FLOW]
    overview = must(Overview, read_store_overview.sync(COUNTED, client=client, parts=parts))
    assert must(StoreFlow, overview.flow).store_id == COUNTED
    assert overview.errors["store"].status == 404 and overview.errors.additional_keys == ["store"]


def visitors(client: AuthenticatedClient) -> None:
    flow = must(StoreFlow, read_store_flow.sync(COUNTED, client=client))
    assert must(int, flow.visitors.this_month) >= must(int, flow.visitors.today) >= 0
    assert abs(datetime.datetime.now(datetime.UTC) - flow.observed_at) < datetime.timedelta(minutes=10)
    events = must(str, watch_store_flow.sync(COUNTED, client=client, limit=1))
    names = [line.removeprefix("event: ") for line in events.splitlines() if line.startswith("event: ")]
    assert names == ["flow", "end"] and f'"store_id":"{COUNTED}"' in events
    several = must(FlowOfStores, read_flow_of_stores.sync(client=client, store_id=[COUNTED, ALSO_COUNTED, "SHOP002"]))
    assert [item.store_id for item in several.items] == [COUNTED, ALSO_COUNTED]
    assert several.errors[0].store_id == "SHOP002" and several.errors[0].problem.status == 404
    everywhere = must(OrganizationFlow, read_organization_flow.sync("O_1084", client=client))
    # Nobody has come yet when the month has only begun.
    in_all, in_one = must(int, everywhere.visitors.this_month), must(int, flow.visitors.this_month)
    assert in_all > in_one or (in_all, in_one) == (0, 0)

    who = must(Demographics, read_store_demographics.sync(COUNTED, client=client, from_=FROM.isoformat(), to=TO.isoformat()))
    assert who.period.from_.date() == FROM and who.period.to.date() == TO
    assert {share.gender for share in who.gender} == {Gender.MALE, Gender.FEMALE}
    assert sum(must(int, share.visitors) for share in who.age) == must(int, who.visitors) > 0
    start, end = (datetime.datetime.combine(day, datetime.time(9), datetime.UTC) for day in (FROM, TO))
    shorter = must(Demographics, read_store_demographics.sync(COUNTED, client=client, from_=start.isoformat(), to=end.isoformat()))
    assert shorter.period.from_ == start and shorter.period.to == end
    both = [COUNTED, ALSO_COUNTED]
    together = must(Demographics, read_demographics_of_stores.sync(client=client, store_id=both, from_=FROM.isoformat(), to=TO.isoformat()))
    assert sorted(together.store_ids) == sorted(both) and must(int, together.visitors) > must(int, who.visitors)


def rest(client: AuthenticatedClient) -> None:
    page = must(InspectionList, list_inspections.sync(client=client, from_=FROM.isoformat(), to=TO.isoformat(), page_size=2))
    assert page.page.size == len(page.items) == 2 and must(int, page.page.total) > 2
    name = must(SourceType, page.items[0].source_type).name
    kind = [ListInspectionsSourceTypeItem(name)]
    found = must(InspectionList, list_inspections.sync(client=client, from_=FROM.isoformat(), to=TO.isoformat(), source_type=kind))
    assert 0 < len(found.items) < must(int, page.page.total)
    assert all(must(SourceType, item.source_type).name == name for item in found.items)
    account = must(DeveloperAccount, read_developer_account.sync("O_2", client=client))
    assert (account.id, account.username, account.platform_enterprise_id) == (10002, "Sandbox Retail", 2)
    wrong = must(Problem, list_stores.sync(client=client, page_size=0))
    assert isinstance(wrong.errors, list) and wrong.errors[0].parameter == "page_size"
    assert must(Purged, purge_cache.sync(client=client, store_id=COUNTED)).dropped >= 2


def operations() -> None:
    metadata = must(AuthorizationServerMetadata, read_authorization_server_metadata.sync(client=nobody))
    assert metadata.token_endpoint == f"{URL}/oauth/token" and metadata.issuer == URL
    assert must(JwkSet, read_jwks.sync(client=nobody)).keys[0].alg == "EdDSA"
    assert must(Health, read_health.sync(client=nobody)).status == "ok"
    gateways = must(Readiness, read_readiness.sync(client=nobody)).gateways
    assert [(state.gateway, state.state) for state in gateways] == [("opretail", "answering"), ("oms", "answering")]
    assert "storegate_gateway_calls_total" in must(str, read_metrics.sync(client=nobody))


bearer = tokens()
stores(bearer)
visitors(bearer)
rest(bearer)
operations()
# Of a new operation that nobody has described above.
called.call_missing(bearer)
if called.missing():
    raise SystemExit(f"not called: {', '.join(sorted(called.missing()))}")
print(f"all {len(called)} operations answer what their types in Python say")
