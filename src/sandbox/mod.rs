//! A simulated gateway: the built-in vendors' wire dialects and those of packs behind a real listener, with the checks of
//! the real ones. It knows the wire format and none of our resources. It shares with the proxy only the packs, the
//! signatures, the sorting of parameters, the clock, and the human form of durations.

mod behaviour;
mod calls;
mod china_time;
mod control;
mod delivery;
mod durations;
mod faults;
mod fields;
mod form;
mod oms;
mod opretail;
mod pack;
mod replay;
mod server;
mod settings;
mod signature;
#[cfg(test)]
mod testing;
mod vendor;
mod world;

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use actix_web::dev::ServerHandle;
use actix_web::rt::task::JoinHandle;
use actix_web::web::Data;
use actix_web::{App, HttpServer};

pub use self::behaviour::Behaviour;
pub use self::calls::CallCountsNow;
use self::delivery::{ConnectionHandle, KEEP_ALIVE};
pub use self::durations::{parse_clock_skew, parse_lateness, parse_timestamp_window};
pub use self::faults::{Fault, FaultOrder};
pub use self::pack::example_answer;
use self::server::{CLOUD_API, M_API, RPC, SandboxState};
pub use self::settings::{
    AcceptedTimestamp, LoginExpiry, LoginTokenField, OmsAccount, OmsServer, OmsShop, OpRetailAccount,
    OpRetailApplication, OpRetailUser, Organization, PermittedMethods, SandboxSettings,
};
pub use self::vendor::SandboxVendor;
use self::world::stores::CountedStore;
use crate::clock::Clock;
use crate::gateway::vendor::Vendor;

/// A running sandbox.
pub struct Sandbox {
    address: SocketAddr,
    state: Data<SandboxState>,
    server: ServerHandle,
    running: JoinHandle<io::Result<()>>,
}

impl Sandbox {
    /// Serves on `listener`, in the current actix runtime, until [`Sandbox::stop`].
    ///
    /// # Errors
    /// The listener cannot be used.
    pub fn start(settings: &SandboxSettings, clock: Clock, listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let state = Data::new(SandboxState::new(settings, clock));
        let shared = state.clone();
        let app = move || App::new().app_data(shared.clone()).configure(server::routes).configure(control::routes);
        let server = HttpServer::new(app)
            .on_connect(ConnectionHandle::keep)
            .keep_alive(KEEP_ALIVE)
            // A client that disconnects ends its call; otherwise each call that hangs would hold a connection for ever.
            .h1_allow_half_closed(false)
            .workers(1)
            .disable_signals()
            .listen(listener)?
            .run();
        Ok(Self { address, state, server: server.handle(), running: actix_web::rt::spawn(server) })
    }

    /// The base address, `http://127.0.0.1:<port>`, without a trailing slash.
    pub fn base_url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        format!("http://{address}")
    }

    /// The address of OPRetail's `m.api`.
    pub fn opretail_m_api_url(&self) -> String {
        self.base_url() + M_API
    }

    /// The address of OPRetail's `cloud.api`.
    pub fn opretail_cloud_api_url(&self) -> String {
        self.base_url() + CLOUD_API
    }

    /// The address of the OMS's RPC service.
    pub fn oms_url(&self) -> String {
        self.base_url() + RPC
    }

    /// The part of a configuration that calls the gateway of a pack with its account.
    pub fn pack_configuration(&self, vendor: Vendor, tenant: &str) -> String {
        pack::configuration(vendor, tenant, &self.base_url())
    }

    /// The number of requests to all endpoints.
    pub fn calls(&self) -> u64 {
        self.state.calls.total()
    }

    /// The number of requests for one method, by the vendor's name.
    pub fn calls_of(&self, method: &str) -> u64 {
        self.state.calls.of(method)
    }

    /// Places an order after the pending ones. The first pending order that matches a call applies.
    pub fn order(&self, order: FaultOrder) {
        self.state.faults.push(order);
    }

    /// Makes the next `times` answers fail, whichever method is called.
    pub fn fail_next(&self, fault: Fault, times: u32) {
        self.order(FaultOrder::next(fault, times));
    }

    /// Makes the next `times` answers of one method fail.
    pub fn fail_next_of(&self, method: &str, fault: Fault, times: u32) {
        self.order(FaultOrder::next(fault, times).of(method));
    }

    /// Makes the next `times` answers of one gateway fail.
    pub fn fail_next_at(&self, gateway: SandboxVendor, fault: Fault, times: u32) {
        self.order(FaultOrder::next(fault, times).at(gateway));
    }

    /// Makes each answer fail with this probability, until [`Sandbox::clear_faults`].
    pub fn fail_percent(&self, fault: Fault, percent: u8) {
        self.order(FaultOrder::percent(fault, percent));
    }

    /// Removes the pending faults.
    pub fn clear_faults(&self) {
        self.state.faults.clear();
    }

    /// The current behaviour of the gateways.
    pub fn behaviour(&self) -> Behaviour {
        self.state.behaviour.get()
    }

    /// Changes how the gateways behave from now on.
    pub fn set_behaviour(&self, change: impl FnOnce(&mut Behaviour)) {
        let Ok(()) = self.state.behaviour.change(|behaviour| {
            change(behaviour);
            Ok::<_, Infallible>(())
        });
    }

    /// Restores the behaviour of the start.
    pub fn reset_behaviour(&self) {
        self.state.behaviour.reset();
    }

    /// Ends every user's token, so that the next call that needs one is answered `9990001`.
    pub fn forget_logins(&self) {
        self.state.forget_logins();
    }

    /// Stops at once and aborts calls under way. When it returns, the port is free.
    pub async fn stop(self) {
        self.server.stop(false).await;
        match self.running.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "sandbox failed"),
            Err(error) => tracing::warn!(%error, "sandbox task aborted"),
        }
    }
}

/// The stores of an enterprise that both vendors know: OPRetail's id (`S_100001`) and the OMS's code (`SHOP001`).
pub fn stores_of(enterprise_id: u32) -> impl Iterator<Item = (String, String)> {
    CountedStore::of_enterprise(enterprise_id).map(|store| (format!("S_{}", store.id), store.oms_code()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::testing::TestBed;
    use super::{OmsServer, SandboxSettings, stores_of};

    #[actix_web::test]
    async fn a_stopped_sandbox_leaves_its_port_to_the_next() {
        let bed = TestBed::start();
        let method = "shop.getList";
        assert_eq!(bed.call_oms(bed.oms(method, &[])).await["response"]["count"], "260");
        let (address, url) = (bed.sandbox.address, bed.sandbox.oms_url());
        bed.sandbox.stop().await;
        assert!(TestBed::client().post(&url).send_body("").await.is_err(), "nobody listens");
        let bed = TestBed::at(address, &SandboxSettings::default());
        assert_eq!(bed.sandbox.oms_url(), url);
        assert_eq!(bed.call_oms(bed.oms(method, &[])).await["response"]["count"], "260", "it starts with no memory");
    }

    #[actix_web::test]
    async fn sandboxes_with_their_own_clocks_live_side_by_side() {
        let (early, late) = (TestBed::start(), TestBed::start());
        late.hand.advance(Duration::from_secs(5 * 3_600));
        let flow = "open.shopweb.passengerFlow.getTotalData";
        let ask = async |bed: &TestBed| {
            let answer = bed.call_m_api(bed.opretail(flow, &[("id", "S_100002")])).await;
            answer["data"]["DAY_FLOW"].as_u64().unwrap()
        };
        assert!(ask(&early).await < ask(&late).await);
        assert_eq!((early.sandbox.calls(), late.sandbox.calls()), (1, 1));
    }

    // Literal bodies and signatures, none of which is computed by this program.
    #[actix_web::test]
    async fn published_signatures_are_accepted_as_they_stand() {
        let oms_server = OmsServer::Documented;
        let bed = TestBed::with(SandboxSettings { oms_server, ..SandboxSettings::default() });
        let send = async |path: &str, time: &str, body: &str| -> serde_json::Value {
            bed.hand.set_wall(time.parse().unwrap());
            let request = bed.client.post(bed.url(path)).content_type("application/x-www-form-urlencoded");
            request.send_body(body.to_owned()).await.unwrap().json().await.unwrap()
        };
        let distribution = "_aid=S107&_akey=S107-00000001&_requestMode=POST&_sm=md5&_timestamp=20210401120000&_version=v1\
            &_mt=open.shopweb.passengerFlow.flowGroup.getFlowGroupDistribution&id=S_123456\
            &stime=2021-03-29+00%3A00%3A00&etime=2021-03-31+23%3A59%3A59&_sig=C59C9B13A9A529F8EC538AA0E5FB1392";
        let answer = send("/m.api", "2021-04-01T12:00:05+08:00", distribution).await;
        assert_eq!(answer["stat"]["code"], 0);
        assert!(answer["data"]["genderDistribution"][0]["peopleNum"].as_u64() > Some(0));
        let shop = "charset=utf-8&flag=demo&method=shop.get&shop_bn=SHOP001&timestamp=20240101100000&type=json&ver=1\
            &sign=F6BD2FA1BF14E67FF5EB9A7C3A710D94";
        let answer = send("/index.php/openapi/rpc/service/", "2024-01-01T10:00:00+08:00", shop).await;
        assert_eq!(answer["response"]["shop_bn"], "SHOP001");
        let shops = "charset=utf-8&flag=demo&method=shop.getList&page_no=2&page_size=100&shop_bn=SHOP001%2CSHOP002\
            &shop_name=%E6%B5%8B%E8%AF%95%E5%BA%97%E9%93%BA%20%26%20100%25&timestamp=1704074400&type=json&ver=1\
            &sign=93592ED0E7D6D80748692A0F17A1278B";
        let answer = send("/index.php/openapi/rpc/service/", "2024-01-01T10:00:00+08:00", shops).await;
        assert_eq!(answer["response"]["count"], "0");
    }

    #[test]
    fn the_stores_that_both_vendors_know_can_be_listed() {
        let pairs: Vec<_> = stores_of(1084).collect();
        assert_eq!(pairs.len(), 61);
        assert_eq!(pairs[0], ("S_100001".to_owned(), "SHOP001".to_owned()));
        assert!(pairs.contains(&("S_123456".to_owned(), "SHOP061".to_owned())));
    }
}
