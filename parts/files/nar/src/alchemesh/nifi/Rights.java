package alchemesh.nifi;

import org.apache.nifi.authorization.AuthorizationRequest;
import org.apache.nifi.authorization.AuthorizationResult;
import org.apache.nifi.authorization.Authorizer;
import org.apache.nifi.authorization.AuthorizerConfigurationContext;
import org.apache.nifi.authorization.AuthorizerInitializationContext;
import org.apache.nifi.authorization.RequestAction;

/** The administrator may do everything, everybody else look at the canvas. It stands for policies that somebody wrote. */
public class Rights implements Authorizer {

    private String administrator;

    @Override
    public void initialize(AuthorizerInitializationContext context) {
    }

    @Override
    public void onConfigured(AuthorizerConfigurationContext context) {
        administrator = context.getProperty("administrator").getValue();
    }

    @Override
    public AuthorizationResult authorize(AuthorizationRequest request) {
        boolean looks = request.getAction() == RequestAction.READ && request.getResource().getIdentifier().equals("/flow");
        if (looks || administrator.equals(request.getIdentity())) {
            return AuthorizationResult.approved();
        }
        return AuthorizationResult.denied(request.getExplanationSupplier().get());
    }

    @Override
    public void preDestruction() {
    }
}
